/// What a run is about, as its time limits tell it apart.
public enum Activity: UInt64, Sendable, CaseIterable, Codable {
  case start
  case step
  case evaluation
  case checkpoint
  case end
}
