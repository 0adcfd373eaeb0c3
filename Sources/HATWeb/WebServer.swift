import Foundation
import HAT
import HATServing
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import UnixSignals

/// A model behind OpenAI's interface.
public struct WebServer: Sendable {
  private static let backlog = 512
  /// Connections taken beyond the limit, only to tell their clients that there are too many.
  private static let refusedConnections = 64
  /// Enough for what browsers and proxies send.
  private static let headerBytes = 32 << 10
  private static let headerCount = 100

  private let responder: WebResponder
  private let limits: ServerLimits
  /// Seconds in which answers may end when the server stops.
  private let grace: Int

  /// - Parameters:
  ///   - model: must not be used by others from now on.
  ///   - name: of the model, for clients.
  ///   - slots: texts written at once.
  ///   - queue: texts of requests that are not answered, at most.
  ///   - grace: seconds in which answers may end when the server stops.
  /// - Throws: `UserError` of kind `wrongUsage` where the system allows fewer connections.
  public init(
    _ model: LoadedModel, name: String, slots: Int, queue: Int, limits: ServerLimits, key: AccessKey?,
    grace: Int
  ) throws {
    try OpenFiles.makeRoom(forConnections: limits.connections, refused: Self.refusedConnections)
    (self.limits, self.grace) = (limits, grace)
    responder = WebResponder(
      service: BatchService(model, slots: slots, capacity: queue), tokens: TextTokens(model),
      model: ServedModel(model, name: name, created: Int(Date().timeIntervalSince1970)), limits: limits,
      key: key,
      connections: Connections(most: limits.connections))
  }

  /// Serves until SIGTERM or SIGINT: then nothing new is taken, and what is being answered is finished, as far as there is time.
  /// - Parameter started: called with the port once requests are taken.
  /// - Throws: `UserError` of kind `cannotWrite` where it cannot listen.
  public func run(host: String, port: Int, started: @escaping @Sendable (_ port: Int) -> Void) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = server(host: host, port: port, group, started)
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    do {
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await server.run() }
        tasks.addTask {
          for await _ in signals { break }
          responder.service.stop()
          let patience = Task {
            try await Task.sleep(for: .seconds(grace))
            await responder.connections.end()
          }
          try await server.shutdownGracefully()
          patience.cancel()
        }
        try await tasks.next()
        tasks.cancelAll()
      }
    } catch let error as IOError {
      throw Self.cannotListen("\(String(cString: strerror(error.errnoCode)))", host, port)
    } catch is SocketAddressError.UnknownHost {
      throw Self.cannotListen("there is no such host", host, port)
    }
  }

  private static func cannotListen(_ problem: String, _ host: String, _ port: Int) -> UserError {
    UserError(
      .cannotWrite, at: "\(host):\(port)", "the server cannot listen there: \(problem)",
      hint: "Give another `host` or `port`, or end the program that listens there.")
  }

  private func server(
    host: String, port: Int, _ group: MultiThreadedEventLoopGroup,
    _ started: @escaping @Sendable (Int) -> Void
  ) -> Server<HTTP1Channel> {
    let connections = responder.connections
    var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
    decoder.maxHeaderFieldSize = Self.headerBytes
    decoder.maxHeaderListSize = Self.headerBytes
    decoder.maxHeaderFieldCount = Self.headerCount
    let channel = HTTP1Channel(
      responder: { [responder] (request, writer: consuming ResponseWriter, channel) in
        try await responder.respond(request, writer, channel)
      },
      configuration: .init(
        additionalChannelHandlers: [ConnectionGate(connections)],
        idleTimeout: .seconds(Int64(limits.timeout)),
        httpDecoderConfiguration: decoder))
    var logger = Logger(label: "hat") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    return Server(
      childChannelSetup: channel,
      configuration: ServerConfiguration(
        address: .hostname(host, port: port), backlog: Self.backlog,
        availableConnectionsDelegate: MaximumAvailableConnections(
          limits.connections + Self.refusedConnections)),
      onServerRunning: { started($0.localAddress?.port ?? port) }, eventLoopGroup: group, logger: logger)
  }
}
