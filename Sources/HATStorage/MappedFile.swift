import Glibc
import SystemPackage

/// A file in memory, read only: its pages are read as they are first used, and shared by all who map it.
///
/// For files that nobody changes once they have their name. One that is cut short while it is mapped ends the process.
public final class MappedFile: Sendable {
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer
  public let length: Int

  /// - Throws: `UserError` of kind `missingInput` when the system cannot map it.
  public init(_ file: FileReader) throws {
    length = file.length
    base = try file.map()
  }

  deinit {
    if length > 0 { munmap(base, length) }
  }

  /// Valid as long as this object.
  public func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
    precondition(offset >= 0 && count >= 0 && offset + count <= length)
    return UnsafeRawBufferPointer(start: UnsafeRawPointer(base) + offset, count: count)
  }
}

extension FileReader {
  fileprivate func map() throws -> UnsafeMutableRawPointer {
    guard length > 0 else { return UnsafeMutableRawPointer(bitPattern: 1)! }
    let memory = withDescriptor { mmap(nil, length, PROT_READ, MAP_PRIVATE, $0, 0) }
    guard let memory, memory != MAP_FAILED else {
      throw FileFailure.reading(path, Errno(rawValue: errno))
    }
    return memory
  }
}
