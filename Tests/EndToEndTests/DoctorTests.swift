import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// `doctor` on machines with and without faults.
  @Suite("Doctor")
  struct DoctorTests {
    private struct Finding: Decodable {
      var check: String
      var verdict: String
      var measured: String
      var advice: String?
      var figures: [String: Double]
    }

    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func findings(_ output: ChildProcess.Output) throws -> [Finding] {
      try output.standardOutput.split(separator: "\n").map {
        try JSONDecoder().decode(Finding.self, from: Data($0.utf8))
      }
    }

    private func finding(_ check: String, _ output: ChildProcess.Output) throws -> Finding {
      try #require(try findings(output).first { $0.check == check }, "\(output.description)")
    }

    private static let doctor = [Program.path, "doctor", "--json"]

    @Test("One process: a table in eighty columns, nothing wrong, quickly")
    func alone() throws {
      let output = Program.run(["doctor", "--data", try scratch.corpus(), "--output", scratch.file("run")])
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(output.seconds < 20)
      let lines = output.standardOutput.split(separator: "\n")
      for line in lines where !line.contains(scratch.path) { #expect(line.count <= 80, "\(line)") }
      for check in [
        "launcher", "build", "processor", "cores", "speed", "shm", "memory", "limits", "corpus", "run",
      ] {
        #expect(lines.contains { $0.hasPrefix("  \(check) ") }, "no \(check) in \(output.description)")
      }
      #expect(lines.last?.hasPrefix("0 wrong, ") == true)
      #expect(!FileManager.default.fileExists(atPath: scratch.file("run")))
    }

    @Test("Two ranks: checks of what is between them; corpus and run are the same for both")
    func twoRanks() throws {
      let output = Program.run([
        "doctor", "--json", "--ranks", "2", "--data", try scratch.corpus(), "--output", scratch.file("run"),
      ])
      #expect(output.exitCode == 0, "\(output.description)")
      let found = try findings(output)
      #expect(Set(found.map(\.check)).isSuperset(of: ["launcher", "node", "corpus", "run"]))
      #expect(!found.contains { $0.verdict == "wrong" }, "\(output.description)")
      #expect(try finding("node", output).figures["bytes_per_second"]! > 1e6)
      #expect(try finding("launcher", output).measured.contains("2 ranks"))
    }

    @Test("Two nodes: the network that was used is named, clocks agree", .enabled(if: TwoNodes.areAllowed))
    func twoNodes() throws {
      let output = TwoNodes().run(["doctor", "--json", "--ranks", "2", "--output", scratch.file("run")])
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try finding("network", output).measured.contains("over cable"), "\(output.description)")
      #expect(try finding("clocks", output).verdict == "fine")
      #expect(try finding("run", output).measured.contains("the same on 2 nodes"), "\(output.description)")
    }

    @Test(
      "Two nodes that do not share the folder of a run",
      .enabled(if: TwoNodes.areAllowed && SmallDisk.isAllowed))
    func folderOfEachNode() throws {
      let script = try scratch.write(
        "#!/bin/sh\n[ \"$OMPI_COMM_WORLD_RANK\" = 1 ] && exec unshare --mount sh -c "
          + "'mount -t tmpfs tmpfs \"$0\" && exec \"$@\"' \"\(scratch.path)\" \"$@\"\nexec \"$@\"\n",
        to: "own-folder")
      try #require(chmod(script, 0o755) == 0)
      let output = TwoNodes().start(
        command: ["mpirun", "-np", "2", "--bind-to", "none", script] + Self.doctor
          + ["--output", scratch.file("run")]
      ).wait()
      #expect(output.exitCode == 78, "\(output.description)")
      #expect(try finding("run", output).measured.contains("is not seen on"), "\(output.description)")
    }

    @Test("Two ranks bound to one core while another is free, and more ranks than cores")
    func crowdedCores() throws {
      let bound = ChildProcess.run(
        ["mpirun", "-np", "2", "--bind-to", "none", "taskset", "-c", "0"] + Self.doctor)
      #expect(bound.exitCode == 78, "\(bound.description)")
      #expect(try finding("cores", bound).verdict == "wrong")
      #expect(try finding("cores", bound).measured.contains("2 ranks share 1 core (0)"))
    }

    @Test("Ranks of different builds: doctor says so, and so does the start of a training")
    func differentBuilds() throws {
      let copy = scratch.file("hat-mpirun")
      var program = try Data(contentsOf: URL(fileURLWithPath: Program.path))
      program.append(0)
      try program.write(to: URL(fileURLWithPath: copy))
      try #require(chmod(copy, 0o755) == 0)
      func run(_ arguments: [String]) -> ChildProcess.Output {
        ChildProcess.run(
          ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "1", Program.path] + arguments
            + [":", "-np", "1", copy] + arguments)
      }
      let output = run(["doctor", "--json"])
      #expect(output.exitCode == 78, "\(output.description)")
      #expect(try finding("build", output).measured.contains("2 different programs"))
      let training = run([
        "train", "--config", try scratch.configuration(), "--data", try scratch.corpus(), "--output",
        scratch.file("run"),
      ])
      #expect(training.exitCode == 0, "\(training.description)")
      #expect(training.standardError.contains("warning: build: the ranks run 2 different programs"))
    }

    @Test("Files that an earlier job has left in shared memory are found, and removed by the next one")
    func leftovers() throws {
      var name = [CChar](repeating: 0, count: 256)
      gethostname(&name, 255)
      let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .split(separator: ".")[0]
      let path = "/dev/shm/osc_sm.\(host).\(getpid()).0.4"
      defer { unlink(path) }
      /// Another job of this user may start on the machine, and remove the file first.
      func found(_ figure: String, _ run: () -> ChildProcess.Output) throws -> Bool {
        for _ in 0..<3 {
          FileManager.default.createFile(atPath: path, contents: Data(count: 100_000))
          try FileManager.default.setAttributes(
            [.modificationDate: Date().addingTimeInterval(-3600)], ofItemAtPath: path)
          let finding = try finding("shm", run())
          if finding.figures[figure]! >= 100_000 { return finding.verdict == "worth_knowing" }
        }
        return false
      }
      #expect(try found("left_bytes") { ChildProcess.run(Self.doctor) })
      #expect(try found("removed_bytes") { Program.run(["doctor", "--json"], ranks: 2) })
      #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A folder that cannot be written, and a corpus that is none", .enabled(if: SmallDisk.isAllowed))
    func badFolders() throws {
      let disk = try SmallDisk(size: "64k")
      defer { disk.unmount() }
      try #require(ChildProcess.run(["mount", "-o", "remount,ro", disk.path]).exitCode == 0)
      let output = ChildProcess.run(Self.doctor + ["--output", disk.path + "/run", "--data", scratch.path])
      #expect(output.exitCode == 78, "\(output.description)")
      #expect(try finding("run", output).measured.contains("no permission"), "\(output.description)")
      #expect(try finding("corpus", output).verdict == "wrong")
      let full = try SmallDisk(size: "64k")
      defer { full.unmount() }
      let disked = ChildProcess.run(Self.doctor + ["--output", full.path])
      #expect(try finding("run", disked).measured.contains("the disk is full"), "\(disked.description)")
    }

    @Test("A rank that does not answer ends everything in time, with what was found until then")
    func silentRank() throws {
      let output = ChildProcess.run(
        ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "1"] + Self.doctor + ["--time-limit", "2"]
          + [":", "-np", "1", "sleep", "60"], timeLimit: 60)
      #expect(output.exitCode == 70 && output.seconds < 30, "\(output.description)")
      #expect(try finding("start", output).verdict == "wrong")
    }

    @Test("A rank that stops in the middle ends everything in time")
    func stoppedRank() throws {
      let mark = scratch.file("run")
      let job = ChildProcess(
        Program.mpirun(ranks: 2) + ["doctor", "--time-limit", "2", "--output", mark], timeLimit: 60)
      try #require(eventually(within: 20) { RankProcess.identifier(ofRank: 1, run: mark) != nil })
      usleep(700_000)
      #expect(RankProcess.signal(SIGSTOP, rank: 1, run: mark))
      let output = job.wait()
      #expect(output.exitCode == 70 && output.seconds < 40, "\(output.description)")
      #expect(output.standardOutput.contains("did not end in time"), "\(output.description)")
      #expect(!RankProcess.exists(run: mark))
    }
  }
}
