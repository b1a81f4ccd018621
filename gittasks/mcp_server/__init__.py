"""The task tools for agents that speak MCP: what `gittasks mcp` serves.

`schemas` has the tools as data, `arguments` reads what an agent sent, `tools` does it and makes
the reply, `server` is the protocol. Only that one needs the optional package `mcp`.
"""
