import Foundation

/// Damages files the ways disks do.
public enum FileDamage {
  public static func flipBit(_ bit: Int, ofByte offset: Int, in path: String) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[offset] ^= UInt8(1 << bit)
    try bytes.write(to: URL(fileURLWithPath: path))
  }

  public static func truncate(_ path: String, to length: Int) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
  }

  public static func length(_ path: String) throws -> Int {
    try Data(contentsOf: URL(fileURLWithPath: path)).count
  }
}
