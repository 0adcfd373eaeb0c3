import Glibc

/// Threads that end by themselves. Foundation's `Thread` does not notice where none can be started, and then whoever waits for its
/// work waits for ever.
public enum OwnThread {
  /// Does some work on a thread of its own. Where no thread can be started, the process ends (`LargeMemory.refuseThread`).
  /// - Parameter stackBytes: nil for the usual: `ulimit -s`.
  public static func start(stackBytes: Int? = nil, _ work: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    if let stackBytes { pthread_attr_setstacksize(&attributes, stackBytes) }
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().perform()
        return nil
      }, Unmanaged.passRetained(Work(perform: work)).toOpaque())
    guard code == 0 else { LargeMemory.refuseThread(code) }
    pthread_detach(thread)
  }

  private final class Work: Sendable {
    let perform: @Sendable () -> Void

    init(perform: @escaping @Sendable () -> Void) { self.perform = perform }
  }
}
