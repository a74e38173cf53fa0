// Makes one tree like another and keeps its nodes: with them stay the focus, a selection, and what a reader unfolded.

/** Make the node `old` like `fresh`, which is used up for it. */
export function morph(old, fresh) {
  if (!alike(old, fresh)) {
    old.replaceWith(fresh);
  } else if (old.nodeType === Node.ELEMENT_NODE) {
    takeAttributes(old, fresh);
    takeChildren(old, fresh);
  } else if (old.data !== fresh.data) {
    old.data = fresh.data;
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}

function takeAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (!isReaders(old, name) && old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  for (const { name } of [...old.attributes]) {
    if (!isReaders(old, name) && !fresh.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }
}

// Whether details are open is decided by who reads them, from when they are first shown.
function isReaders(element, name) {
  return element.nodeName === "DETAILS" && name === "open";
}

function takeChildren(old, fresh) {
  dropGone(old, fresh);
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = counterpart(place, wanted);
    if (found === null) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (found === place) {
      place = place.nextSibling;
    } else {
      old.insertBefore(found, place);
    }
    morph(found, wanted);
  }
  while (place !== null) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// First of all, so that what follows it needs not be moved: a node that is moved loses the focus.
function dropGone(old, fresh) {
  const ids = new Set([...fresh.children].map((child) => child.id));
  for (const child of [...old.children]) {
    if (child.id !== "" && !ids.has(child.id)) {
      child.remove();
    }
  }
}

// What becomes this node: with an id, the one that has it, wherever it is; without one, whatever stands at the place.
function counterpart(place, wanted) {
  if (place === null || !wanted.id) {
    return place !== null && alike(place, wanted) ? place : null;
  }
  for (let node = place; node !== null; node = node.nextSibling) {
    if (alike(node, wanted)) {
      return node;
    }
  }
  return null;
}
