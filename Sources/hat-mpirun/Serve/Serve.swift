import ArgumentParser
import Foundation
import HAT
import HATDistributed
import HATStorage
import HATTerminal
import HATWeb
import SystemPackage

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve a trained model over HTTP, as OpenAI's interface, with a page to try it on.",
    discussion: """
      Clients of OpenAI's completions and chat completions work with it, and the page at its address needs nothing else. Many requests \
      are written at once; each answer is what `generate` writes. SIGTERM or Ctrl-C end the server once what it is writing is sent.
      """)

  /// Where the key is, so that no list of processes shows it.
  private static let keyVariable = "HAT_API_KEY"

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "What clients call the model (default: the name of the run's folder).", valueName: "NAME"))
  var modelName: String?

  @Option(help: "The address to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for everybody.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on; 0 for one that is free.")
  var port = 8080

  @Option(
    help: ArgumentHelp(
      "A file whose first line is the key that clients must send (default: the environment variable HAT_API_KEY, or none).",
      valueName: "FILE"))
  var apiKeyFile: String?

  @Option(help: "Threads (default: one per core). Answers are the same for any number.")
  var threads: Int?

  @OptionGroup
  var products: PrecisionOption

  @OptionGroup(title: "Limits")
  var limits: ServeLimits

  func validate() throws {
    try OptionLimits(0...65_535).check("--port", port)
    try OptionLimits.threads.check("--threads", threads)
  }

  func run() throws {
    let key = try accessKey()
    let choice = try ThreadChoice(wanted: threads, on: SoloCommunicator())
    let name = try modelName ?? CheckpointReference(parsing: checkpoint).run.lastComponent?.string ?? "hat"
    let model = try LoadedModel(checkpoint, threads: choice.threads, precision: products.precision) {
      Terminal.warning($0)
    }
    let server = try WebServer(
      model, name: name, slots: limits.slots, queue: limits.queue, limits: limits.server, key: key,
      grace: limits.grace)
    let isOpen = key == nil && !["127.0.0.1", "localhost", "::1"].contains(host)
    let (host, port) = (host, port)
    try Self.wait {
      try await server.run(host: host, port: port) { port in
        Terminal.note("Serving \(name) at http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
        if isOpen {
          Terminal.note("warning: whoever reaches this address may use it: there is no --api-key-file.")
        }
      }
    }
  }

  private func accessKey() throws -> AccessKey? {
    if let apiKeyFile { return try AccessKey(reading: FilePath(apiKeyFile)) }
    return try ProcessInfo.processInfo.environment[Self.keyVariable].map {
      try AccessKey($0, from: "the environment variable \(Self.keyVariable)")
    }
  }

  /// Runs work that is asynchronous, to its end.
  private static func wait(for work: @escaping @Sendable () async throws -> Void) throws {
    let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var outcome: Result<Void, any Error> = .success(())
    Task {
      do { try await work() } catch { outcome = .failure(error) }
      done.signal()
    }
    done.wait()
    try outcome.get()
  }
}

/// How much a server takes on.
struct ServeLimits: ParsableArguments {
  @Option(help: "Texts written at once.")
  var slots = 16

  @Option(
    help:
      "Texts of requests that are not answered, at most: written, waiting, or being sent. More are refused (429)."
  )
  var queue = 128

  @Option(help: "Tokens to write for a text, at most.")
  var maxTokens = ServerLimits().tokens

  @Option(help: ArgumentHelp("The longest prompt.", valueName: ByteSize.valueName))
  var maxPromptBytes = ByteSize(bytes: ServerLimits().promptBytes)

  @Option(help: ArgumentHelp("The largest body of a request.", valueName: ByteSize.valueName))
  var maxBodyBytes = ByteSize(bytes: ServerLimits().bodyBytes)

  @Option(help: "Connections, at most. More are refused (503).")
  var connections = ServerLimits().connections

  @Option(help: "Seconds for a request to arrive, and until a connection is closed on which nothing moves.")
  var timeout = ServerLimits().timeout

  @Option(help: "Seconds in which answers may end when the server stops.")
  var grace = 30

  func validate() throws {
    try OptionLimits(1...1024).check("--slots", slots)
    try OptionLimits(slots...65_536).check("--queue", queue)
    try OptionLimits(1...1_000_000_000).check("--max-tokens", maxTokens)
    try OptionLimits(1...1_000_000).check("--connections", connections)
    try OptionLimits(1...86_400).check("--timeout", timeout)
    try OptionLimits(0...86_400).check("--grace", grace)
    try OptionLimits(1024...1 << 30).check("--max-prompt-bytes", maxPromptBytes.bytes)
    try OptionLimits(1024...1 << 30).check("--max-body-bytes", maxBodyBytes.bytes)
  }

  var server: ServerLimits {
    var limits = ServerLimits()
    (limits.bodyBytes, limits.promptBytes, limits.tokens) = (
      maxBodyBytes.bytes, maxPromptBytes.bytes, maxTokens
    )
    (limits.connections, limits.timeout) = (connections, timeout)
    return limits
  }
}
