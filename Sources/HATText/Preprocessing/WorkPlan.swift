/// How the input is divided into units of work, each written to shards of its own.
///
/// A function of the names and sizes of the input alone: neither of what is done already nor of who does it. Small
/// files lie together in a group, which is one unit. A large file, or standard input, is a group of slices of equal
/// length of its decompressed bytes; a document belongs to the slice it starts in.
struct WorkPlan {
  enum Group: Equatable {
    /// Positions in the list of inputs.
    case files(Range<Int>)
    /// A file that can be entered at any slice.
    case slices(of: Int)
    /// A file that must be read from its start.
    case stream(of: Int)
  }

  let inputs: [InputFile]
  let groups: [Group]
  let sliceBytes: Int
  let settings: PreprocessSettings

  init(inputs: [InputFile], settings: PreprocessSettings) {
    (self.inputs, self.settings) = (inputs, settings)
    sliceBytes = settings.shardBytes
    groups = Self.groups(of: inputs, settings)
  }

  private static func groups(of inputs: [InputFile], _ settings: PreprocessSettings) -> [Group] {
    var groups: [Group] = []
    var (start, total) = (0, 0)
    func close(at end: Int) {
      if start < end { groups.append(.files(start..<end)) }
      (start, total) = (end, 0)
    }
    for (index, input) in inputs.enumerated() {
      let bytes = expectedBytes(input)
      if input.isStandardInput || bytes >= settings.shardBytes {
        close(at: index)
        groups.append(canBeEntered(input, settings) ? .slices(of: index) : .stream(of: index))
        start = index + 1
      } else {
        if total + bytes > settings.shardBytes { close(at: index) }
        total += bytes
      }
    }
    close(at: inputs.count)
    return groups
  }

  /// Text seldom compresses better than 8 to 1, and how well is known only after reading it.
  private static func expectedBytes(_ input: InputFile) -> Int {
    input.compression == .none ? input.bytes : input.bytes * 8
  }

  /// Whether the first record of a slice can be found without reading what is before it. A delimiter that can
  /// overlap itself, as two line feeds can, is found in other places from another start.
  private static func canBeEntered(_ input: InputFile, _ settings: PreprocessSettings) -> Bool {
    guard !input.isStandardInput, input.compression == .none,
      let delimiter = settings.delimiter(of: input.format)
    else { return false }
    return !(1..<delimiter.count).contains { delimiter.suffix($0).elementsEqual(delimiter.prefix($0)) }
  }

  /// On the disk, of the whole input; nil when standard input is among it.
  var inputBytes: Int? {
    inputs.contains(where: \.isStandardInput) ? nil : inputs.reduce(0) { $0 + $1.bytes }
  }
}

/// The name of a unit of work. Units are ordered as their documents are in the input.
struct WorkUnit: Hashable, Comparable {
  var group: Int
  var slice: Int

  static func < (left: Self, right: Self) -> Bool {
    (left.group, left.slice) < (right.group, right.slice)
  }

  /// Such as `000002-000017`.
  var name: String { "\(Self.padded(group))-\(Self.padded(slice))" }

  /// - Returns: nil for what is not the name of a unit.
  init?(name: some StringProtocol) {
    let numbers = name.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let group = numbers[0], let slice = numbers[1] else { return nil }
    self.init(group: group, slice: slice)
  }

  init(group: Int, slice: Int) {
    (self.group, self.slice) = (group, slice)
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }
}
