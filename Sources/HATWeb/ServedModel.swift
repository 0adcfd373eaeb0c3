import HAT

/// The model of the server, as `/v1/models` shows it.
struct ServedModel: Encodable, Sendable {
  struct List: Encodable {
    let object = "list"
    let data: [ServedModel]
  }

  let id: String
  let object = "model"
  /// When the server started.
  let created: Int
  let ownedBy = "hat"
  // Not OpenAI's.
  let kind: String
  let step: Int
  let contextWords: Int
  let contextBytes: Int
  /// How a conversation becomes text for it.
  let template: String

  init(_ model: LoadedModel, name: String, created: Int) {
    (id, self.created) = (name, created)
    kind = model.configuration.model.kind.rawValue
    step = model.manifest.step
    contextWords = model.configuration.data.sequenceWords
    contextBytes = model.configuration.data.sequenceBytes
    template = model.template.name
  }

  /// - Throws: `APIError` where another model is asked for.
  func check(_ name: String) throws {
    guard name == id else {
      throw APIError.notFound(
        "There is no model `\(name)` here: this server has `\(id)`.", code: "model_not_found", param: "model")
    }
  }
}
