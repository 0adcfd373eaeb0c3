/// What the command line calls the settings that libraries name, in backquotes, as Swift does (`UserError`).
package enum OptionNames {
  private static let options = [
    "chat": "--chat",
    "connections": "--connections",
    "data": "--data",
    "deduplicate": "--deduplicate",
    "documents": "--documents",
    "documentSeparator": "--document-separator",
    "field": "--field",
    "holdout": "--holdout",
    "hostfile": "--hostfile",
    "host": "--host",
    "hours": "--hours",
    "initialCheckpoint": "--initialize-from",
    "invalidText": "--invalid-utf8",
    "keep": "--keep",
    "level": "--level",
    "maximumBytes": "--max-bytes",
    "maximumWordBytes": "--max-word-bytes",
    "minimumBytes": "--min-bytes",
    "minimumLanguageScore": "--language-score",
    "mpirunArguments": "--mpirun-arguments",
    "output": "--output",
    "override": "--set",
    "perturbation": "--perturb",
    "port": "--port",
    "preset": "--preset",
    "ranks": "--ranks",
    "resume": "--resume",
    "rule": "--split",
    "shardBytes": "--shard-bytes",
    "temperature": "--temperature",
    "threads": "--threads",
    "timeLimit": "--time-limit",
    "tokenizer": "--tokenizer",
    "topP": "--top-p",
    "where": "--where",
  ]

  /// The message with options in the place of settings.
  package static func put(into message: String) -> String {
    options.reduce(message) { $0.replacing("`\($1.key)`", with: $1.value) }
  }
}
