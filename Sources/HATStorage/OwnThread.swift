import Glibc

/// Threads that end by themselves. Foundation's `Thread` does not notice where none can be started, and then whoever waits for its
/// work waits for ever.
public enum OwnThread {
  /// Does some work on a thread of its own. Where no thread can be started, the process ends (`LargeMemory.refuseThread`).
  /// - Parameters:
  ///   - name: for `top -H`, 15 bytes at most.
  ///   - stackBytes: nil for the usual: `ulimit -s`.
  public static func start(
    name: String, stackBytes: Int? = nil, _ work: @escaping @Sendable () -> Void
  ) {
    precondition(name.utf8.count < 16)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    if let stackBytes { pthread_attr_setstacksize(&attributes, stackBytes) }
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(Work(name: name, perform: work)).toOpaque())
    guard code == 0 else { LargeMemory.refuseThread(code) }
    pthread_detach(thread)
  }

  private final class Work: Sendable {
    private let name: String
    private let perform: @Sendable () -> Void

    init(name: String, perform: @escaping @Sendable () -> Void) {
      (self.name, self.perform) = (name, perform)
    }

    func run() {
      // glibc hides `pthread_setname_np` from Swift. A thread without its name works, too.
      let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
      if descriptor >= 0 {
        _ = write(descriptor, name, name.utf8.count)
        close(descriptor)
      }
      perform()
    }
  }
}
