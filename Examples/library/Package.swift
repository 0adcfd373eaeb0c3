// swift-tools-version: 6.1
import PackageDescription

// A package that uses hat as a library. In one of your own, name the repository:
//     .package(url: "https://…/hat", branch: "main")
// A branch or a path, not a version: the kernels need compiler flags, which SwiftPM allows there only.
let package = Package(
  name: "example",
  dependencies: [.package(name: "hat", path: "../..")],
  targets: [
    .executableTarget(name: "example", dependencies: [.product(name: "HAT", package: "hat")])
  ],
  swiftLanguageModes: [.v6]
)
