import HTTPTypes

/// What the server has ready.
enum WebFiles {
  static let page = PackageResources.index_html
  static let description = PackageResources.openapi_json

  /// The page runs nothing but what is in it, and asks nobody but this server.
  static let pageFields: HTTPFields = [
    .contentSecurityPolicy:
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
      + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
  ]
}
