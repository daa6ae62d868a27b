"""A binding award on its way to settled: terms, states, evidences."""
