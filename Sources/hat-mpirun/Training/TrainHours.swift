import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// The configuration of `train --hours`.
struct TrainHours {
  private let command: Train
  private let hours: Double

  init(_ command: Train, hours: Double) {
    (self.command, self.hours) = (command, hours)
  }

  /// That of the run if it has begun, whatever the speed is today; else the one planned for these ranks. Collective.
  /// - Throws: `UserError` or `AgreedFailure`: what `TrainingDial` throws, or a damaged configuration of the run.
  func configuration(on communicator: any Communicator) throws -> Configuration {
    let dial = try communicator.together { try TrainingDial(overrides: command.settings.overrides) }
    if let own = try communicator.onFirstRank({ try ownConfiguration() }) {
      if communicator.rank == 0 {
        Terminal.note(
          "note: \(command.output) goes on with its own configuration: --hours does not change it")
      }
      return own
    }
    let budget = try budget(dial.recipe, on: communicator)
    return try communicator.onFirstRank {
      let run = try dial.plan(budget, TrainingText(Mixture(command.data)))
      Terminal.note(run.summary)
      for note in run.notes { Terminal.note("note: \(note)") }
      return run.configuration
    }
  }

  /// nil before the run has begun. It has as soon as its configuration is there.
  private func ownConfiguration() throws -> Configuration? {
    let file = RunFolder.configurationFile(FilePath(command.output))
    guard DurableFile.exists(file) else { return nil }
    return try Configuration.load(from: file, overrides: command.settings.overrides)
  }

  /// Measured on all ranks at once, since they share caches and memory: the slowest counts.
  private func budget(_ recipe: Configuration, on communicator: any Communicator) throws -> TrainingBudget {
    let threads = try communicator.together {
      try ThreadChoice(wanted: command.threads, on: communicator).threads
    }
    let products = try ArithmeticChoice(recipe, on: communicator).arithmetic
    try communicator.barrier()
    let rate = CoreRate(products, threads: threads).trainingFlopsPerSecond
    let neighbours = communicator.nodes.neighbours(ofRank: communicator.rank).count
    let memory = AvailableMemory().bytes(sharedBy: neighbours)
    return TrainingBudget(
      hours: hours, ranks: communicator.size, nodes: communicator.nodes.count,
      flopsPerSecond: try communicator.allGather(rate).min()!,
      memoryPerRank: try communicator.allGather(memory).min()!)
  }
}
