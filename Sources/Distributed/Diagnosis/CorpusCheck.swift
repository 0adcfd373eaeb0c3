import Foundation
import HATStorage
import HATText
import SystemPackage

/// Whether every machine sees the same corpora.
struct CorpusCheck: Check {
  static let name = "corpus"

  let folders: [String]

  struct View: Codable, Equatable {
    /// nil if the corpus cannot be opened.
    var fingerprint: String?
    /// Why not.
    var problem: String?
    /// nil where the kernel does not say.
    var mount: MountPoint?
    /// Seconds to open it.
    var seconds: Double
  }

  /// Of each corpus; none on ranks other than the first of a node.
  typealias Measurement = [View]

  private static let noticeableSeconds = 2.0

  func measure(on communicator: any Communicator) -> [View] {
    guard communicator.isFirstOfNode else { return [] }
    return folders.map { folder in
      let start = ContinuousClock.now
      let corpus = Result { try Corpus(opening: FilePath(folder)) }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let mount = MountPoint(of: folder)
      return switch corpus {
      case .success(let corpus):
        View(fingerprint: corpus.fingerprint.hexadecimal, mount: mount, seconds: seconds)
      case .failure(let error): View(problem: error.problem, mount: mount, seconds: seconds)
      }
    }
  }

  func findings(_ ranks: [[View]], on machines: Machines) -> [Finding] {
    let firsts = machines.nodes.ranks.map { ranks[$0[0]] }
    return folders.enumerated().map { number, folder in finding(folder, firsts.map { $0[number] }, machines) }
  }

  /// - Parameter nodes: what each node sees.
  private func finding(_ folder: String, _ nodes: [View], _ machines: Machines) -> Finding {
    let failed = nodes.indices.filter { nodes[$0].fingerprint == nil }
    if let first = failed.first {
      let place = failed.count < nodes.count ? "not on \(machines.describe(nodes: failed)): " : ""
      return wrong(
        "\(folder): \(place)\(nodes[first].problem ?? "")",
        advice: failed.count < nodes.count
          ? "Put the corpus where all machines see it, or copy it to the same path on each." : Self.make)
    }
    let kinds = BuildCheck.groups(nodes.map(\.fingerprint))
    if kinds.count > 1 {
      return wrong(
        "\(folder) is another corpus on \(machines.describe(nodes: kinds[1].ranks))",
        advice: "Copy one of them to all machines, or use a folder that all see.")
    }
    let slowest = nodes.map(\.seconds).max()!
    let kind = nodes[0].mount?.kind ?? "unknown file system"
    let same = nodes.count > 1 ? ", the same on \(counted(nodes.count, "node"))" : ""
    let text = "\(folder) on \(kind)\(same), opened in \(Figure.seconds(slowest))"
    let figures = ["seconds": slowest]
    return slowest > Self.noticeableSeconds
      ? worthKnowing(
        text, advice: "The file system is slow: copy the corpus to a faster one.", figures: figures)
      : fine(text, figures: figures)
  }

  private static let make = "Make it with `hat-mpirun preprocess`, or name another folder."
}
