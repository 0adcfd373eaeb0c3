import CMPI

/// An MPI, as its library or its launcher names itself.
public struct MPIRelease: Equatable, Sendable {
  enum Family: Equatable, Sendable {
    case openMPI, mpich, intelMPI
  }

  /// Such as "Open MPI v4.1.4".
  public let text: String
  /// nil for one that is not known.
  let family: Family?
  private let number: Substring?

  /// The library that this program runs with, also before MPI starts.
  public static let library = MPIRelease(ofLibrary())

  /// - Parameter description: what a library or launcher says of itself.
  init(_ description: String) {
    let start = description.prefix { $0 != "," && $0 != "\0" }.split(separator: "\n").prefix(2)
    let words = start.joined(separator: " ").split(whereSeparator: \.isWhitespace)
      .filter { !["Version:", "build", "details:"].contains($0) }
    number = words.joined(separator: " ").firstMatch(of: /\d+\.\d+(\.\d+)?/)?.output.0
    let lead = words.prefix { !$0.contains { $0.isNumber } }
    let version = words.dropFirst(lead.count).prefix(1)
    text = (lead + version).joined(separator: " ")
    // MPICH's launcher calls itself HYDRA.
    let names: [(String, Family)] = [
      ("Open", .openMPI), ("Intel", .intelMPI), ("MPICH", .mpich), ("HYDRA", .mpich),
    ]
    family = names.first { description.contains($0.0) }?.1
  }

  /// Whether this launcher may belong to `library`: false only where both families, or both versions, are known and differ.
  func mayBelong(to library: MPIRelease) -> Bool {
    guard let family, let other = library.family else { return true }
    return family == other && (number == nil || library.number == nil || number == library.number)
  }

  /// All that the library says of itself.
  static func ofLibrary() -> String {
    var text = [CChar](repeating: 0, count: Int(hat_mpi_longest_version()) + 1)
    var length: Int32 = 0
    guard MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "an unknown MPI" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
