import HATKernels
import Testing

@Test func aMachineThatRunsTheseTestsLacksNothing() {
  #expect(Processor.missingFeature() == nil)
}
