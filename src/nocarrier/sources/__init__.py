"""Whatever dials, besides programs that call the library: today only the node.

Never imports `tracking`, `recorder`, `outputs` or `web`: a source records through the port `DialRecorder` of `model`.
"""
