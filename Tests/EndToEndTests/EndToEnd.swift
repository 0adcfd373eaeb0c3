import Testing

/// Tests of the whole program, one after the other: each starts processes that want every core.
@Suite("End to end", .serialized)
enum EndToEnd {}
