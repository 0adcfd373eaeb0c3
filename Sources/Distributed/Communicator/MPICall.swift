import CMPI

/// Turns the status every MPI call returns into an error.
enum MPICall {
  static func check(_ status: Int32, _ call: String) throws {
    guard status != MPI_SUCCESS else { return }
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
    var length: Int32 = 0
    MPI_Error_string(status, &text, &length)
    let reason = String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw CommunicationFailure("\(call) failed: \(reason)")
  }
}
