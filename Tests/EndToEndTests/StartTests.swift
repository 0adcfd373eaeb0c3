import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// Jobs that cannot start, and jobs whose starter ends.
  @Suite("Starting")
  struct StartTests {
    let scratch: Scratch
    let arguments: [String]

    init() throws {
      scratch = try Scratch()
      arguments =
        ["train", "--config", try scratch.configuration(), "--data", try scratch.corpus(), "--output"]
        + [scratch.file("run")]
    }

    private func expectRefused(
      _ arguments: [String], environment: [String: String] = ChildProcess.cleanEnvironment, exitCode: Int32,
      mentions words: [String]
    ) {
      let output = ChildProcess([Program.path] + arguments, environment: environment).wait()
      expectMistake(output, exitCode: exitCode, mentions: words)
      #expect(output.seconds < 15, "\(output.description)")
      let lines = output.standardError.split(separator: "\n")
      #expect(lines.count == 1 && lines[0].hasPrefix("error: "), "\(output.description)")
      for word in ["ORTE", "developer", "Open RTE"] {
        #expect(!output.standardError.contains(word), "\(output.description)")
      }
    }

    @Test("More ranks than there can be are refused before mpirun starts")
    func tooManyRanks() throws {
      expectRefused(
        arguments + ["--ranks", "1000"], exitCode: 78, mentions: ["4 micro-batches", "Use 1, 2, 4 ranks"])
      let preprocess = ["preprocess", "--output", scratch.file("many"), try scratch.documents(), "--ranks"]
      expectRefused(preprocess + ["1000"], exitCode: 64, mentions: ["--ranks 1000", "core"])
      for command in [arguments + ["--ranks"], preprocess] {
        expectMistake(
          Program.run(command + ["99999999999"], timeLimit: 15), exitCode: 64,
          mentions: ["--ranks must be from 1 to 65536"])
      }
      let hosts = try scratch.write("localhost slots=1\n", to: "hosts")
      expectRefused(
        arguments + ["--ranks", "2", "--hostfile", hosts], exitCode: 64,
        mentions: ["--ranks 2", hosts, "slots for 1"])
    }

    @Test("A hostfile that is none, an argument mpirun does not know: refused at once, and named")
    func badArguments() throws {
      let ranks = arguments + ["--ranks", "2"]
      let missing = scratch.file("no-hosts")
      expectRefused(ranks + ["--hostfile", missing], exitCode: 66, mentions: [missing])
      expectRefused(ranks + ["--hostfile", scratch.path], exitCode: 66, mentions: [scratch.path, "folder"])
      expectRefused(
        ranks + ["--mpirun-arguments", "--frobnicate"], exitCode: 64,
        mentions: ["--mpirun-arguments", "\"--frobnicate\""])
      expectRefused(
        ranks + ["--mpirun-arguments", "--bind-to nothing"], exitCode: 64,
        mentions: ["--mpirun-arguments", "Policy: nothing"])
    }

    @Test("A machine that is not reached at the first start is named at once, not waited for")
    func unknownMachine() throws {
      let hosts = try scratch.write("nowhere slots=2\n", to: "hosts")
      let agent = try scratch.write(
        "#!/bin/sh\necho ssh: Could not resolve hostname $1: Name or service not known >&2\nexit 255\n",
        to: "agent")
      try #require(chmod(agent, 0o755) == 0)
      expectRefused(
        arguments + ["--ranks", "2", "--hostfile", hosts],
        environment: ChildProcess.cleanEnvironment.merging(["OMPI_MCA_plm_rsh_agent": agent]) { $1 },
        exitCode: 70, mentions: [hosts, "resolve hostname nowhere"])
    }

    @Test(
      "benchmark scaling starts its ranks as train does: what cannot start, or not be kept, is refused at once"
    )
    func scalingRefused() throws {
      func scaling(_ configuration: String, _ options: [String]) -> [String] {
        ["benchmark", "scaling", "--config", configuration, "--data", arguments[4], "--steps", "3"] + options
      }
      let small = try scratch.configuration([
        "training.micro_batches": "1000", "training.sequences_per_step": "1000",
      ])
      expectRefused(scaling(small, ["--ranks", "1000"]), exitCode: 64, mentions: ["--ranks 1000", "core"])
      expectRefused(
        scaling(small, ["--ranks", "1", "--chart", scratch.path]), exitCode: 73,
        mentions: [scratch.path, "folder"])
      expectRefused(
        scaling(Program.repository + "/configs/paper-7b.yaml", ["--ranks", "1"]), exitCode: 78,
        mentions: ["MiB before the first step"])
    }

    @Test("A value that begins with a minus reaches the ranks as it was given")
    func minus() {
      let shell = ["sh", "-c", "cd '\(scratch.path)' && exec \"$@\"", "sh", Program.path]
      let output = ChildProcess.run(shell + arguments.dropLast(2) + ["--output=-run", "--ranks", "2"])
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(RunFolder(path: scratch.file("-run")).stepCount == 12)
    }

    @Test("benchmark scaling measures on the cores it may use, and draws a chart")
    func scaling() throws {
      let chart = scratch.file("scaling.svg")
      let command = [
        Program.path, "benchmark", "scaling", "--config", try scratch.configuration(), "--data", arguments[4],
        "--steps", "3", "--chart", chart, "--ranks",
      ]
      // The last of those that the test has: a job's need not begin at 0.
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
      let allowed = try #require(status.first { $0.hasPrefix("Cpus_allowed_list:") })
      let last = try #require(allowed.split { !$0.isNumber }.last)
      // First in PATH: it writes down where a process is bound to.
      let bound = scratch.file("bound")
      let standIn = try scratch.write(
        "#!/bin/sh\necho \"$@\" >>'\(bound)'\nPATH=${PATH#*:}\nexec taskset \"$@\"\n", to: "taskset")
      try #require(chmod(standIn, 0o755) == 0)
      let path = try #require(ChildProcess.cleanEnvironment["PATH"])
      let narrow = ["taskset", "-c", "\(last)", "env", "PATH=\(scratch.path):\(path)"]
      let alone = ChildProcess.run(narrow + command + ["1"])
      #expect(alone.exitCode == 0 && alone.standardOutput.contains("apart"), "\(alone.description)")
      #expect(try String(contentsOfFile: bound, encoding: .utf8).hasPrefix("-c \(last) "))
      let slurm = ChildProcess.cleanEnvironment.merging(["SLURM_JOB_NUM_NODES": "2"]) { $1 }
      expectMistake(
        ChildProcess.run(command + ["1"], environment: slurm), exitCode: 64, mentions: ["one machine"])
      let output = ChildProcess.run(command + ["2"])
      #expect(output.exitCode == 0, "\(output.description)")
      for word in ["apart", "weak", "strong", "the fit is off by"] {
        #expect(output.standardOutput.contains(word), "\(output.description)")
      }
      #expect(try String(contentsOfFile: chart, encoding: .utf8).hasPrefix("<svg"))
    }

    @Test("What is wrong on all ranks is said once")
    func saidOnce() {
      let output = Program.run(arguments + ["--ranks", "2", "--tokenizer", scratch.file("none.json")])
      expectOneMessage(
        output, exitCode: 64, mentions: "--tokenizer: a model of kind hierarchical has no tokens")
    }

    @Test(
      "With all standard streams closed a run trains and ends", arguments: [[String](), ["--ranks", "2"]])
    func closedStreams(options: [String]) throws {
      let closed = ["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", Program.path]
      let output = ChildProcess.run(closed + arguments + options, timeLimit: 60)
      #expect(output.exitCode == 0 && !output.isTimedOut, "\(output.description)")
      #expect(RunFolder(path: scratch.file("run")).stepCount == 12)
    }

    @Test("mpirun and its ranks do not outlive a command that is killed")
    func killedSupervisor() throws {
      let run = RunFolder(path: scratch.file("run"))
      let endless = ["--ranks", "2", "--set", "training.steps=1000000", "--set", "output.checkpoint_every=0"]
      let job = ChildProcess([Program.path] + arguments + endless)
      try #require(eventually(within: 60) { run.stepCount >= 5 })
      kill(try #require(job.program), SIGKILL)
      #expect(job.wait().exitCode != 0)
      #expect(eventually(within: 15) { !RankProcess.exists(run: run.path) }, "a rank outlived the command")
    }

    /// Open MPI 4.1 does so now and then, when a rank is killed while it connects.
    @Test("An mpirun that stands still after it has lost a rank is ended, and the job goes on")
    func stuckLauncher() throws {
      let flag = scratch.file("stuck")
      let launcher = try scratch.write(
        "#!/bin/sh\n[ -e '\(flag)' ] || { trap '' TERM; echo $$ > '\(flag)'\n"
          + "echo '[vm:1] PMIX ERROR: UNREACHABLE in file ptl_tcp_component.c at line 1832' >&2\n"
          + "while :; do sleep 1; done; }\nPATH=${PATH#*:}\nexec mpirun \"$@\"\n",
        to: "mpirun")
      try #require(chmod(launcher, 0o755) == 0)
      var environment = ChildProcess.cleanEnvironment
      environment["PATH"] = "\(scratch.path):\(environment["PATH"] ?? "")"
      let output = ChildProcess(
        [Program.path] + arguments + ["--ranks", "2", "--mpirun-arguments", "--bind-to none"],
        environment: environment, timeLimit: 60
      ).wait()
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(output.standardError.contains("mpirun stood still"), "\(output.description)")
      #expect(output.standardError.contains("restart 1 of 3"), "\(output.description)")
      #expect(!output.standardError.contains("UNREACHABLE"), "\(output.description)")
      let stuck = try String(contentsOfFile: flag, encoding: .utf8).trimmingCharacters(in: .newlines)
      #expect(kill(try #require(pid_t(stuck)), 0) != 0, "mpirun has outlived the job")
    }

    @Test("An mpirun that is killed before the ranks have started is a fault, not a refusal: the job goes on")
    func killedLauncher() throws {
      let flag = scratch.file("killed")
      let launcher = try scratch.write(
        "#!/bin/sh\n[ -e '\(flag)' ] || { touch '\(flag)'; kill -9 $$; }\nPATH=${PATH#*:}\nexec mpirun \"$@\"\n",
        to: "mpirun")
      try #require(chmod(launcher, 0o755) == 0)
      var environment = ChildProcess.cleanEnvironment
      environment["PATH"] = "\(scratch.path):\(environment["PATH"] ?? "")"
      let output = ChildProcess(
        [Program.path] + arguments + ["--ranks", "2", "--mpirun-arguments", "--bind-to none"],
        environment: environment
      ).wait()
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(output.standardError.contains("restart 1 of 3"), "\(output.description)")
    }
  }
}
