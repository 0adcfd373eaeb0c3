import HTTPTypes

/// The addresses of the server.
enum Endpoint: String, CaseIterable {
  case page = "/"
  case health = "/health"
  case metrics = "/metrics"
  case description = "/openapi.json"
  case models = "/v1/models"
  case completions = "/v1/completions"
  case chat = "/v1/chat/completions"
  case tokenizer = "/tokenizer_info"
  case tokenize = "/tokenize"
  case detokenize = "/detokenize"

  var methods: [HTTPRequest.Method] {
    switch self {
    case .page, .health, .metrics, .description, .models, .tokenizer: [.get, .head]
    case .completions, .chat, .tokenize, .detokenize: [.post]
    }
  }

  /// Whether it needs no key: it says nothing of the model.
  var isOpen: Bool {
    switch self {
    case .page, .health, .description: true
    default: false
    }
  }
}
