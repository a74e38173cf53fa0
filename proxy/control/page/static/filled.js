// What was filled in, as the body of a call has it.

const OVER = "10m"; // as the field suggests, and as the command takes it

const readers = {
  shift: ({ over, steps, pause }) => {
    const shares = steps.split(/[\s,%]+/).filter(Boolean);
    if (shares.length === 0) {
      return { over: over || OVER };
    }
    return { ...(over && { over }), steps: shares.map((share) => ({ percent: number(share), pause: pause || null })) };
  },
  split: ({ green }) => ({ green: number(green) }),
  hold: ({ max_wait }) => (max_wait ? { max_wait } : {}),
  message: ({ message }) => (message ? { message } : {}),
};

/** The part of the body that a group of inputs stands for, by the name of that group in `data-fields`. */
export function filled(name, group) {
  const inputs = [...group.querySelectorAll("input")].map((input) => [input.name, input.value.trim()]);
  return readers[name](Object.fromEntries(inputs));
}

// What is no number is sent as it was typed: the API says better what is wrong with it.
function number(text) {
  return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
}
