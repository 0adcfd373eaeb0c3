import Dispatch
import Foundation
import HATStorage
import Testing

/// Memory that no machine has.
@Suite struct LargeMemoryTests {
  @Test func aRefusalEndsTheProcessWithAMessage() async throws {
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      _ = LargeMemory.allocate(byteCount: 1 << 60, alignment: 64)
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(
      text.contains("error: the operating system refuses 1099511627776 MiB of memory. Raise what limits"))
  }

  @Test func soDoesOneOfAddresses() async {
    await #expect(processExitsWith: .exitCode(78)) { _ = LargeMemory.reserve(byteCount: 1 << 60) }
  }

  @Test func soDoesOneOfAThread() async throws {
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      OwnThread.start(name: "test", stackBytes: 1 << 60) {}
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("error: a thread cannot be started: "), "\(text)")
  }

  @Test func aThreadDoesItsWork() {
    let done = DispatchSemaphore(value: 0)
    OwnThread.start(name: "test") { done.signal() }
    OwnThread.start(name: "test", stackBytes: 1 << 20) { done.signal() }
    for _ in 0..<2 { #expect(done.wait(timeout: .now() + 60) == .success) }
  }

  @Test func aThreadHasItsName() {
    let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var name: String?
    OwnThread.start(name: "fifteen letters") {
      name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      done.signal()
    }
    #expect(done.wait(timeout: .now() + 60) == .success)
    #expect(name == "fifteen letters\n")
  }
}
