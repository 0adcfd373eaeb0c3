import Foundation
import HATStorage

/// How many threads a rank computes with, and why.
///
/// As many ranks as cores, with one thread each, is the fastest; threads use the cores that ranks leave idle
/// (docs/performance.md).
public struct ThreadChoice: Sendable, Equatable {
  public let threads: Int
  public let reason: String

  /// - Parameters:
  ///   - wanted: nil for as many as there is room for.
  ///   - ranks: on this machine.
  ///   - cores: of this machine that they share.
  /// - Throws: `UserError` of kind `wrongUsage` when there are not enough cores for the threads wanted.
  public init(wanted: Int?, ranks: Int, cores: Int) throws {
    let place = "\(Self.count(ranks, "rank")) on \(Self.count(cores, "core"))"
    let room = max(1, cores / ranks)
    if let wanted {
      guard wanted <= room else {
        throw UserError(
          .wrongUsage, at: "--threads \(wanted)",
          "\(place) leave room for \(Self.count(room, "thread")) a rank",
          hint: "Use --threads \(room), or fewer ranks.")
      }
      (threads, reason) = (wanted, "\(place), \(Self.count(wanted, "thread")) each, as asked for")
    } else {
      threads = room
      reason =
        room == 1
        ? "\(place), 1 thread each: no core is left idle"
        : "\(place), \(room) threads each: they use the cores the ranks leave idle"
    }
  }

  /// For a rank that `mpirun` has started: bound to cores of its own it uses those, else it shares the machine's with
  /// the other ranks there.
  public init(
    wanted: Int?, environment: [String: String] = ProcessInfo.processInfo.environment,
    cores: Int = ProcessorCores.available(), machineCores: Int = ProcessorCores.online()
  ) throws {
    let ranks = environment["OMPI_COMM_WORLD_LOCAL_SIZE"].flatMap { Int($0) } ?? 1
    let isBound = ranks > 1 && cores < machineCores
    try self.init(wanted: wanted, ranks: isBound ? 1 : ranks, cores: cores)
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
