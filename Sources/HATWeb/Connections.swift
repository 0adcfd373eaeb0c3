import HATServing
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The connections that are open, and what is being answered on each.
final class Connections: Sendable {
  private struct State {
    var open: [ObjectIdentifier: Connection] = [:]
    var refused = 0
  }

  private struct Connection {
    let channel: any Channel
    var answer: Answer?
  }

  private let most: Int
  private let state = Mutex(State())

  init(most: Int) { self.most = most }

  var count: Int { state.withLock { $0.open.count } }
  var refused: Int { state.withLock { $0.refused } }

  /// - Returns: whether there is room for it.
  func open(_ channel: any Channel) -> Bool {
    state.withLock { state in
      guard state.open.count < most else {
        state.refused += 1
        return false
      }
      state.open[ObjectIdentifier(channel)] = Connection(channel: channel)
      return true
    }
  }

  /// Whoever the answer is for has gone.
  func close(_ channel: any Channel) {
    let connection = state.withLock { $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
    connection?.answer?.close()
  }

  /// Ends all answers, and, once clients could be told, all connections.
  func end() async {
    for connection in state.withLock({ $0.open.values }) { connection.answer?.close() }
    try? await Task.sleep(for: .seconds(1))
    for connection in state.withLock({ $0.open.values }) { connection.channel.close(promise: nil) }
  }

  /// Says which answer is on its way to a connection, nil for none. When the connection ends, the answer is closed.
  func set(_ answer: Answer?, of channel: any Channel) {
    let isOpen = state.withLock { state in
      guard state.open[ObjectIdentifier(channel)] != nil else { return false }
      state.open[ObjectIdentifier(channel)]!.answer = answer
      return true
    }
    if !isOpen { answer?.close() }
  }
}

/// Keeps account of a connection, and refuses it in order where there are too many.
final class ConnectionGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundOut = HTTPResponsePart

  private let connections: Connections
  private var isOpen = false

  init(_ connections: Connections) { self.connections = connections }

  func channelActive(context: ChannelHandlerContext) {
    isOpen = connections.open(context.channel)
    guard isOpen else { return refuse(context) }
    // A client that hangs up wants no answer; and we learn of it while nothing is being sent.
    _ = context.channel.setOption(.allowRemoteHalfClosure, value: false)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isOpen { context.fireChannelRead(data) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isOpen { connections.close(context.channel) }
    context.fireChannelInactive()
  }

  private func refuse(_ context: ChannelHandlerContext) {
    let fields: HTTPFields = [.connection: "close", .contentLength: "0", .retryAfter: "1"]
    context.write(
      wrapOutboundOut(.head(HTTPResponse(status: .serviceUnavailable, headerFields: fields))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    context.close(promise: nil)
  }
}
