"""The local AWS engine: MiniStack in one process on 127.0.0.1, its gaps closed by small named modules.

State is in memory: a restart of the engine forgets every queue, function and machine.
"""
