"""The fault lab: checks the doctor's verdicts against real faults. Run `python -m lab` as root on Linux.

Every scenario gets its own network of namespaces (`world`), real nodes as peers (`peers`) and the real `nocarrier run`
(`node_under_test`), puts a real fault between them, and judges by what that node's HTTP API says.
"""
