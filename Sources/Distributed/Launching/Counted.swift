/// A number of things, for messages: "1 rank", "2 ranks".
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
