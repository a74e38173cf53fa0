"""What it costs to pick an upstream, against the size of the pool: it must not grow with it.

Run: python benchmarks/bench_pick.py
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass

from proxy.traffic.balance import make_picker
from proxy.traffic.spec import Balance

ROUNDS = 9
PICKS = 20_000
SIZES = (1, 10, 100, 1_000, 10_000)


@dataclass(slots=True)
class Server:
    number: int
    in_flight: int = 0


def nanoseconds(pick: Callable[[], object]) -> float:
    return min(timeit.repeat(pick, number=PICKS, repeat=3)) / PICKS * 1e9


def measure(balance: Balance, weights: int) -> dict[int, float]:
    """Median ns per pick for each size; the sizes take turns, so that a noisy moment hits all of them."""
    pickers = {}
    for size in SIZES:
        picker = make_picker(balance, [(Server(n), 1 + n % weights) for n in range(size)])
        assert picker is not None
        pickers[size] = picker.pick
    rounds = [{size: nanoseconds(pick) for size, pick in pickers.items()} for _ in range(ROUNDS)]
    return {size: statistics.median(costs[size] for costs in rounds) for size in SIZES}


def main() -> None:
    print(f"ns per pick, median of {ROUNDS} interleaved rounds")
    print(f"{'':34}" + "".join(f"{size:>9,}" for size in SIZES) + "   1,000 : 10")
    for balance in Balance:
        for weights in (1, 16):
            costs = measure(balance, weights)
            label = f"{balance}, {weights} distinct weight{'s' * (weights > 1)}"
            ratio = costs[1_000] / costs[10]
            print(f"{label:34}" + "".join(f"{costs[size]:9.0f}" for size in SIZES) + f"{ratio:13.2f}")


if __name__ == "__main__":
    main()
