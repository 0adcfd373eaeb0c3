/// How often a job may be started again: counted anew once it has come further than at its last fault, so that a long
/// run on machines that fail now and then goes on, and one that always fails at the same place ends.
struct RestartBudget {
  let limit: Int
  /// Since the job last came further.
  private(set) var used = 0
  private var reached: Int

  init(limit: Int, reached: Int) {
    (self.limit, self.reached) = (limit, reached)
  }

  /// Takes a restart after a fault.
  /// - Parameter place: how far the job has come.
  /// - Returns: whether there was one left.
  mutating func take(at place: Int) -> Bool {
    if place > reached { (used, reached) = (0, place) }
    guard used < limit else { return false }
    used += 1
    return true
  }
}
