"""The one reader of both engines: bytes become physical records, each accepted or carrying its error."""
