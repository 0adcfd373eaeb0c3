import Glibc

/// Memory that is large enough for the operating system to refuse it.
///
/// What asks for it cannot go on without it, and has no caller that could: so a refusal ends the process, with the one
/// message and the exit code that the command line promises.
public enum LargeMemory {
  /// Memory that is not initialised; to be given back by `free`.
  /// - Parameter alignment: a power of two, in bytes; at least that of a pointer.
  public static func allocate(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, alignment, byteCount) == 0, let memory else { refuse(byteCount) }
    return memory
  }

  /// Zeros, of which only the pages that are written take memory; to be given back by `munmap`.
  public static func reserve(byteCount: Int) -> UnsafeMutableRawPointer {
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else { refuse(byteCount) }
    return memory
  }

  /// Ends the process if there are not so many addresses left: before a library takes them that has no answer to a refusal.
  public static func requireRoom(byteCount: Int) { munmap(reserve(byteCount: byteCount), byteCount) }

  /// Ends the process: a thread has no memory for its stack, or is one too many.
  public static func refuseThread(_ code: Int32) -> Never {
    end("a thread cannot be started: \(String(cString: strerror(code)))")
  }

  /// Ends the process: there is no memory for what it must have.
  public static func refuse(_ byteCount: Int) -> Never {
    end("the operating system refuses \((byteCount + (1 << 20) - 1) >> 20) MiB of memory")
  }

  /// Ends the process: a kernel of matrix products cannot be made, which on a processor with AVX2 is for want of memory.
  public static func refuseKernel() -> Never { end("there is no memory for a kernel of matrix products") }

  private static func end(_ problem: String) -> Never {
    let error = UserError(
      .configuration, problem,
      hint:
        "Raise what limits this process (ulimit -v, ulimit -d, ulimit -u, a control group), or give it less to do: a "
        + "smaller model, shorter sequences or documents, fewer ranks and threads on this machine.")
    var message = "error: \(error)\n"
    message.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    _exit(error.kind.exitCode)
  }
}
