from itertools import product
from random import Random

from matching.forwards.flow import Network, Raising, settle


def a_network(seed: int) -> Network:
    draw = Random(seed)
    network = Network(4)
    for _ in range(6):
        tail, head = draw.sample(range(4), 2)
        lower = draw.choice([0, 0, 0, 1])
        bounds = (lower, lower + draw.randint(0, 2))
        network.add(tail, head, bounds, cost=draw.randint(-5, 5), flow=draw.randint(0, 3))
    return network


def cheapest(network: Network) -> int | None:
    """Try every flow."""
    best = None
    choices = [range(a, b + 1) for a, b in zip(network.lowers, network.uppers, strict=True)]
    for flows in product(*choices):
        balance = [0] * network.nodes
        for tail, head, flow in zip(network.tails, network.heads, flows, strict=True):
            balance[tail] -= flow
            balance[head] += flow
        cost = sum(c * flow for c, flow in zip(network.costs, flows, strict=True))
        if not any(balance) and (best is None or cost < best):
            best = cost
    return best


def test_a_settled_flow_is_the_cheapest_and_its_potentials_prove_it():
    impossible = 0
    for seed in range(300):
        network = a_network(seed)
        expected = cheapest(network)

        potentials = settle(network, [seed % 7, 3] if seed % 2 else [])

        if potentials is None:
            impossible += 1
            assert expected is None
            continue
        assert sum(map(int.__mul__, network.costs, network.flows)) == expected
        for arc, cost in enumerate(network.costs):
            reduced = cost + potentials[network.tails[arc]] - potentials[network.heads[arc]]
            assert reduced >= 0 or network.flows[arc] == network.uppers[arc]
            assert reduced <= 0 or network.flows[arc] == network.lowers[arc]
    assert 20 < impossible < 280


def test_a_flow_is_raised_only_by_undecided_arcs_that_have_not_had_their_turn():
    network = Network(2)
    wanted = network.add(0, 1, (0, 5), cost=0, flow=0)
    back = network.add(1, 0, (0, 3), cost=0, flow=0)
    other = network.add(1, 0, (0, 3), cost=0, flow=0)

    raising = Raising(network, [wanted, back, other])

    for arc in (other, wanted, back):
        raising.raise_flow(arc)

    assert network.flows == [5, 2, 3]
