import Foundation

/// The parameters of a request, read strictly: what is there has the right type, and none is unknown or without effect.
struct Parameters {
  /// Any name.
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  private let container: KeyedDecodingContainer<Key>
  private let place: String
  private var known: Set<String> = []

  /// - Parameter place: what stands before the names in messages.
  init(_ decoder: any Decoder, in place: String = "") throws {
    do {
      container = try decoder.container(keyedBy: Key.self)
    } catch is DecodingError {
      throw APIError.invalid(
        nil, place.isEmpty ? "The body is not a JSON object." : "`\(place)` is not an object.")
    }
    self.place = place.isEmpty ? "" : place + "."
  }

  /// - Parameter form: what it must be, for the message.
  /// - Returns: nil if it is left out or null.
  mutating func value<Value: Decodable>(_ name: String, _ form: String) throws -> Value? {
    known.insert(name)
    let key = Key(name)
    do {
      guard container.contains(key), try !container.decodeNil(forKey: key) else { return nil }
      return try container.decode(Value.self, forKey: key)
    } catch let error as APIError {
      throw error
    } catch {
      throw wrong(name, "must be \(form)")
    }
  }

  mutating func required<Value: Decodable>(_ name: String, _ form: String) throws -> Value {
    guard let value: Value = try value(name, form) else {
      throw wrong(name, "is missing: it must be \(form)")
    }
    return value
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    let form = "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard let value: Int = try value(name, form) else { return nil }
    guard range.contains(value) else { throw wrong(name, "is \(value): it must be \(form)") }
    return value
  }

  mutating func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
    let form = "a number from \(range.lowerBound) to \(range.upperBound)"
    guard let value: Double = try value(name, form) else { return nil }
    guard range.contains(value) else { throw wrong(name, "is \(value): it must be \(form)") }
    return value
  }

  mutating func flag(_ name: String) throws -> Bool { try value(name, "true or false") ?? false }

  /// Parameters that this server has nothing for: they may only be left out, or null.
  mutating func refuse(_ names: [String]) throws {
    for name in names {
      known.insert(name)
      let key = Key(name)
      if container.contains(key), try !container.decodeNil(forKey: key) {
        throw APIError.unsupported(place + name, "this server does not support it. Leave it out.")
      }
    }
  }

  /// Parameters of which one value, which changes nothing, is all that this server supports.
  mutating func refuse<Value: Codable & Equatable>(_ name: String, except neutral: Value) throws {
    known.insert(name)
    let key = Key(name)
    guard container.contains(key), try !container.decodeNil(forKey: key) else { return }
    if let value = try? container.decode(Value.self, forKey: key), value == neutral { return }
    let supported = String(decoding: try WebJSON.encode(neutral), as: UTF8.self)
    throw APIError.unsupported(place + name, "this server supports \(supported) only. Leave it out.")
  }

  /// - Parameter ignored: names of parameters that never change what is written.
  /// - Throws: where there is another parameter.
  func finish(ignoring ignored: Set<String> = []) throws {
    let unknown = container.allKeys.map(\.stringValue).filter { !known.contains($0) && !ignored.contains($0) }
    if let name = unknown.min() {
      throw APIError.invalid(
        place + name, "`\(place)\(name)` is no parameter that this server knows. Leave it out.",
        code: "unknown_parameter")
    }
  }

  func wrong(_ name: String, _ problem: String) -> APIError {
    .invalid(place + name, "`\(place)\(name)` \(problem).")
  }
}

extension Parameters {
  /// A request from the body that holds it.
  static func request<Request: Decodable>(_ type: Request.Type, from body: [UInt8]) throws -> Request {
    do {
      return try JSONDecoder().decode(type, from: Data(body))
    } catch let error as APIError {
      throw error
    } catch {
      throw APIError.invalid(nil, "The body is not valid JSON in UTF-8.")
    }
  }
}

/// A string, or several.
struct Strings: Decodable {
  let values: [String]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let string = try? container.decode(String.self) {
      values = [string]
    } else {
      values = try container.decode([String].self)
    }
  }
}
