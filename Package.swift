// swift-tools-version: 6.1
import Foundation
import PackageDescription

// SIMD8<Float> maps to AVX2 registers only when the compiler may assume them (docs/performance.md).
let vectorFlags: [SwiftSetting] = [
  .unsafeFlags(["-Xcc", "-mavx2", "-Xcc", "-mfma"])
]

// Tests reach inside these modules. Set here, not on the command line, so that program and tests share one build.
let testable: [SwiftSetting] = [.unsafeFlags(["-enable-testing"])]

// Of tests that compute little themselves: optimising them takes longer than it saves.
let unoptimized: [SwiftSetting] = [.unsafeFlags(["-Onone"])]

/// A choice among `values`, made in the environment of the build; the first is the default.
func choice(_ variable: String, _ values: [String]) -> String {
  let value = Context.environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? values[0]
  guard values.contains(value) else {
    FileHandle.standardError.write(
      Data("\(variable) is \(values.joined(separator: " or ")), not \(value).\n".utf8))
    exit(78)
  }
  return value
}

// The MPI: scripts/install-dependencies installs it. Debian's libmpi.so may be made to mean another than Open MPI's.
let mpi = choice("HAT_MPI", ["openmpi", "mpich"])
let mpiLinking: [LinkerSetting] =
  mpi == "mpich"
  ? [.linkedLibrary("mpich")]
  : [.unsafeFlags(["-L/usr/lib/x86_64-linux-gnu/openmpi/lib"]), .linkedLibrary("mpi")]

// Matrix tiles in software: for tests of what is built on them where the processor has none.
let tiles = choice("HAT_TILES", ["processor", "software"])

let package = Package(
  name: "hat",
  products: [
    .library(name: "HAT", targets: ["HAT"]),
    .executable(name: "hat-mpirun", targets: ["hat-mpirun"]),
    // For development: measurements of parts, and a counter of allocations to be preloaded.
    .executable(name: "hat-benchmark", targets: ["hat-benchmark"]),
    .library(name: "hat-allocations", type: .dynamic, targets: ["CAllocations"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Doors to C: headers and module maps, little logic.
    .target(name: "CMPI", publicHeadersPath: mpi, linkerSettings: mpiLinking),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
    .systemLibrary(name: "CXXHash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    // simdjson is made of templates: what Swift calls is compiled here, for AVX2 too.
    .target(
      name: "CSimdJSON",
      cxxSettings: [.unsafeFlags(["-mavx2", "-mbmi", "-mbmi2", "-mlzcnt", "-mpclmul"])],
      linkerSettings: [.linkedLibrary("simdjson")]),
    .systemLibrary(name: "CSIMD"),
    // LIBXSMM is static, and wants the BLAS it would fall back to, or its stand-in.
    .target(
      name: "CXSMM",
      linkerSettings: ["xsmm", "xsmmnoblas", "dl", "m"].map { .linkedLibrary($0) }),

    // Matrix tiles and bfloat16 have no intrinsics in Swift. Functions name the instructions they need: no flags.
    .target(
      name: "CAMX",
      cSettings: tiles == "software" ? [.define("HAT_SOFTWARE_TILES")] : []),
    .target(name: "CBrainFloat"),
    .target(name: "CWide"),
    // Swift cannot run between fork and exec.
    .target(name: "CChild"),
    .target(name: "CAffinity"),
    // Swift has no thread-local variables.
    .target(name: "CScratch"),
    // The commit, which archives are built with: git's own answer would be that of the last change of this file.
    .target(
      name: "CBuild",
      cSettings: [.define("HAT_COMMIT", to: "\"\(Context.environment["HAT_COMMIT"] ?? "")\"")]),

    .target(
      name: "HATStorage",
      dependencies: ["CXXHash", .product(name: "SystemPackage", package: "swift-system")]),
    .target(name: "HATRandom"),
    .target(
      name: "HATParquet",
      dependencies: [
        "CSnappy", "CZlib", "CZstd", "HATStorage",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: testable),
    .target(
      name: "HATText",
      dependencies: [
        "CSimdJSON", "CZlib", "CZstd", "HATParquet", "HATRandom", "HATStorage",
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: testable + vectorFlags),
    .target(
      name: "HATKernels",
      dependencies: ["CAMX", "CBrainFloat", "CScratch", "CSIMD", "CWide", "CXSMM", "HATStorage"],
      swiftSettings: vectorFlags),
    .target(
      name: "HATCore",
      dependencies: [
        "HATRandom", "HATStorage", "HATText", "HATKernels", "Yams",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: testable),
    .target(
      name: "HATDistributed",
      dependencies: [
        "CAffinity", "CChild", "CMPI", "HATStorage", "HATText", "HATKernels", "HATCore",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Sources/Distributed", swiftSettings: testable),
    // What the programs share: how they write to people, and run as ranks.
    .target(
      name: "HATTerminal",
      dependencies: [
        "CBuild", "HATStorage", "HATKernels", "HATCore", "HATDistributed",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: testable),
    .target(
      name: "HAT",
      dependencies: [
        "HATStorage", "HATText", "HATKernels", "HATCore", "HATDistributed",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: testable),
    // Many texts written at once, for clients that come and go. It knows nothing of HTTP.
    .target(
      name: "HATServing",
      dependencies: [
        "HAT", "HATCore", "HATStorage", .product(name: "DequeModule", package: "swift-collections"),
      ],
      swiftSettings: testable),
    .target(
      name: "HATWeb",
      dependencies: [
        "HAT", "HATCore", "HATServing", "HATStorage", "HATText",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("Page/index.html"), .embedInCode("Page/openapi.json")],
      swiftSettings: testable),
    .executableTarget(
      name: "hat-mpirun",
      dependencies: [
        "HAT", "HATRandom", "HATStorage", "HATText", "HATKernels", "HATCore", "HATDistributed", "HATTerminal",
        "HATWeb",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [
        "Benchmark/hamlet.txt", "Model/HuggingFace/modeling_hat.py", "Model/HuggingFace/modeling_ngrams.py",
        "Model/HuggingFace/tokenization_hat.py",
      ].map { .embedInCode($0) }),

    .executableTarget(
      name: "hat-benchmark",
      dependencies: [
        "CMPI", "HATRandom", "HATStorage", "HATParquet", "HATText", "HATKernels", "HATDistributed",
        "HATTerminal",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Benchmarks/hat-benchmark"),
    .target(name: "CAllocations", path: "Benchmarks/allocations", publicHeadersPath: "."),

    .target(name: "TestSupport", dependencies: ["HATStorage", "HATText"], path: "Tests/TestSupport"),
    .testTarget(
      name: "HATStorageTests",
      dependencies: [
        "HATStorage", "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: unoptimized),
    .testTarget(
      name: "HATTextTests",
      dependencies: [
        "CXXHash", "CZlib", "CZstd", "HATParquet", "HATRandom", "HATText", "HATStorage", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Resources")]),
    .testTarget(name: "HATKernelsTests", dependencies: ["CXSMM", "HATKernels", "TestSupport"]),
    .testTarget(
      name: "HATCoreTests",
      dependencies: [
        "HATCore", "HATKernels", "HATRandom", "HATStorage", "HATText", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "DistributedTestSupport", dependencies: ["HATDistributed", "HATKernels"],
      path: "Tests/DistributedTestSupport"),
    // What an end-to-end test runs under mpirun.
    .executableTarget(
      name: "CommunicatorConformance", dependencies: ["DistributedTestSupport", "HATDistributed"],
      path: "Tests/CommunicatorConformance"),
    .testTarget(
      name: "HATDistributedTests",
      dependencies: [
        "HAT", "HATStorage", "HATText", "HATKernels", "HATCore", "HATDistributed", "DistributedTestSupport",
        "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "HATServingTests",
      dependencies: [
        "HATServing", "HATWeb", "HATCore", "HATKernels", "HATRandom", "HATStorage", "HATText", "TestSupport",
      ],
      swiftSettings: unoptimized),
    .testTarget(
      name: "HATTerminalTests",
      dependencies: [
        "HATTerminal", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: unoptimized),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "hat-mpirun", "hat-benchmark", "CommunicatorConformance", "TestSupport",
      ],
      exclude: ["benchmark-train-limits.json"], swiftSettings: unoptimized),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
