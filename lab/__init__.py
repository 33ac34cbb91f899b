"""The fault lab: proves that the doctor's verdicts hold. `python -m lab` on Linux as root; see `lab.scenario`.

Every scenario gets a network of its own out of namespaces (`world`), real nodes as peers (`peers`) and the real
`nocarrier run` (`node_under_test`), puts a real fault between them, and is judged by what that node's HTTP API says.
"""
