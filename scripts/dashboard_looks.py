"""How the panels of the dashboard look: for each word that `as` may have, Grafana's type of panel and its settings.

Blue and green are used for nothing but blue and green. What is well is grey, trouble is orange or red, the rest purple.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

COLORS = ("blue", "green")
QUANTILES = {"p50": "super-light-", "p95": "light-", "p99": ""}
CODES = {"1": "text", "3": "yellow", "4": "orange", "5": "red"}
WELL = "#8e8e8e"


def fixed(color: str) -> Json:
    """One color."""
    return {"mode": "fixed", "fixedColor": color}


def shades(color: str) -> Json:
    """A shade of a color for each series."""
    return {"mode": "shades", "fixedColor": color}


def subject(panel: Json) -> str:
    """The color that a panel is about, from its title: `Blue, answers by status`."""
    return str(panel["title"]).partition(",")[0].lower()


def overrides(panel: Json) -> list[Json]:
    """What makes blue blue and green green, whatever else a legend says."""
    if panel["as"] in ("heatmap", "states", "table"):
        return []
    if "{{code}}" in panel["queries"]:
        return [_override("/^2/", shades(subject(panel))), *(_override(f"/^{n}/", fixed(c)) for n, c in CODES.items())]
    if panel["as"] == "names":
        return [_override("/^(none|nothing)/", fixed(WELL))]
    pairs = [(legend, color) for legend in panel["queries"] for color in COLORS]
    found = {each["matcher"]["options"]: each for pair in pairs for each in _colored(*pair, subject(panel))}
    return [*found.values(), *(_measured() for legend in panel["queries"] if legend == "measured")]


def _colored(legend: str, color: str, of: str) -> Iterator[Json]:
    """Its own color for the series of a color; another tone for each quantile, a shade for each of many."""
    first, _, rest = legend.partition(" ")
    if first == "{{color}}" or (first == "<color>" and of == color):
        if not rest:
            yield _override(f"/^{color}$/", fixed(color))
        elif rest in QUANTILES:
            yield _override(f"/^{color} {rest}$/", fixed(QUANTILES[rest] + color))
        else:
            yield _override(f"/^{color} /", shades(color))


def _measured() -> Json:
    """A dashed line above the areas, which it does not add to."""
    line = {"custom.lineStyle": {"fill": "dash", "dash": [8, 6]}, "custom.fillOpacity": 0}
    alone = {"custom.stacking": {"mode": "none", "group": "measured"}}
    return _override("/^measured$/", fixed("text"), line | alone)


def _override(pattern: str, color: Json, more: Json | None = None) -> Json:
    properties = {"color": color, **(more or {})}
    return {
        "matcher": {"id": "byRegexp", "options": pattern},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def thresholds(panel: Json) -> Json:
    """From which value on a number has another color. The first step has none: it begins below everything."""
    limits = panel.get("limits", {})
    steps = [{"color": color, "value": value} for value, color in limits.items() if value]
    return {"mode": "absolute", "steps": [{"color": limits.get(0, "text"), "value": None}, *steps]}


# Each gives the type of the panel, its options, and what it sets for all of its series.
Look = tuple[str, Json, Json]


def over_time(panel: Json) -> Look:
    """Lines, areas upon each other, or bars."""
    upon = {"stacking": {"mode": "normal", "group": "A"}}
    custom: Json = {"showPoints": "never", "spanNulls": False} | {
        "lines": {"lineWidth": 2, "fillOpacity": 8},
        "area": {"lineWidth": 1, "fillOpacity": 60, **upon},
        "bars": {"lineWidth": 1, "fillOpacity": 80, "drawStyle": "bars", **upon},
    }[panel["as"]]
    if "limits" in panel:
        custom["thresholdsStyle"] = {"mode": "dashed"}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return "timeseries", options, {"custom": custom, "color": shades("purple"), "min": 0}


def states(panel: Json) -> Look:
    """A band for each series, that changes its color. Where 0 has a name it is trouble."""
    values = panel["values"]
    colors = {0: "red", 1: WELL} if values[0] else {0: "transparent", 1: "purple"}
    shown = {str(at): {"text": text, "color": colors[at], "index": at} for at, text in values.items()}
    options = {
        "showValue": "never",
        "mergeValues": True,
        "rowHeight": 0.85,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": bool(values[0]), "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    bands = {"custom": {"lineWidth": 0, "fillOpacity": 80}, "color": {"mode": "thresholds"}}
    return "state-timeline", options, {**bands, "mappings": [{"type": "value", "options": shown}]}


def heatmap(panel: Json) -> Look:
    """Stronger where more requests took so long."""
    scheme = f"{subject(panel).title()}s"
    options = {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": scheme, "fill": "text", "exponent": 0.5, "steps": 64, "reverse": False},
        "yAxis": {"unit": panel["unit"], "axisPlacement": "left"},
        "rowsFrame": {"layout": "auto"},
        "cellGap": 0,
        "filterValues": {"le": 1e-9},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
        "legend": {"show": False},
        "exemplars": {"color": "purple"},
    }
    return "heatmap", options, {}


def now(panel: Json) -> Look:
    """Large numbers."""
    return "stat", _STAT, {"color": {"mode": "thresholds"} if "limits" in panel else fixed("text")}


def word(panel: Json) -> Look:
    """A large word for the range that a number is in; those for blue and green have their color."""
    words = [
        {"text": text, "color": text if text in COLORS else WELL, "index": at} for at, text in enumerate(panel["words"])
    ]
    ranges = zip(panel["words"].values(), words, strict=True)
    found = [{"type": "range", "options": {"from": low, "to": high, "result": said}} for (low, high), said in ranges]
    return "stat", _STAT | {"colorMode": "background"}, {"color": {"mode": "thresholds"}, "mappings": found}


def names(panel: Json) -> Look:
    """The names of the series in large letters; with nothing to name a query says `none` or `nothing`."""
    color = {"mode": "thresholds"} if "limits" in panel else fixed("purple")
    return "stat", _STAT | {"colorMode": "background", "textMode": "name"}, {"color": color}


def shares(panel: Json) -> Look:
    """Horizontal bars from 0 to 1."""
    options = {
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "orientation": "horizontal",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "reduceOptions": _LATEST,
    }
    return "bargauge", options, {"min": 0, "max": 1}


def table(panel: Json) -> Look:
    """Rows of labels, and perhaps their number."""
    cells = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    return "table", {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}, {"custom": cells}


_LATEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_STAT: Json = {
    "graphMode": "none",
    "colorMode": "value",
    "justifyMode": "auto",
    "textMode": "auto",
    "orientation": "auto",
    "wideLayout": True,
    "showPercentChange": False,
    "percentChangeColorMode": "standard",
    "reduceOptions": _LATEST,
}

LOOKS = {
    "area": over_time,
    "bars": over_time,
    "lines": over_time,
    "states": states,
    "heatmap": heatmap,
    "names": names,
    "now": now,
    "word": word,
    "shares": shares,
    "table": table,
}
AT_THIS_MOMENT = ("names", "now", "word", "shares", "table")
