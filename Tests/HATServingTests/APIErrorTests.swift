import HATStorage
import Testing

@testable import HATWeb

@Suite struct APIErrorTests {
  /// Such as weights that are not finite. Clients take 400 for a fault of their own, and do not ask elsewhere.
  @Test func aFaultOfTheModelIsTheServers() {
    let fault = UserError(
      .invalidData, at: "runs/mine", "its weights are not finite", hint: "Use an earlier checkpoint.")
    let error = APIError(fault)
    #expect(error.status.code == 500)
    #expect(error.error.type == "server_error" && error.error.message.contains("not finite"))
  }
}
