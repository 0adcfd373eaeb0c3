import NIOCore

/// Runs tasks on the thread of an event loop.
///
/// A stream's events are made where they are sent: otherwise each would wake another thread, for which the threads of the model have to
/// make room.
final class EventLoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(_ loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
