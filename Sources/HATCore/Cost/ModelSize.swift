/// A size of the hierarchical model. Widths are in floats.
public struct ModelSize: Sendable, Equatable {
  public let name: String
  /// Width `d` of encoder and decoder.
  public let byteWidth: Int
  public let byteHeadSize: Int
  public let encoderLayers: Int
  public let decoderLayers: Int
  /// Width `D` of the backbone.
  public let width: Int
  public let headSize: Int
  public let layers: Int
  /// nil for the default rule (`StackShape.defaultMLPHidden`).
  public let mlpHidden: Int?

  /// - Parameters:
  ///   - bytes: width, head size, layers of the encoder and of the decoder.
  ///   - backbone: width, head size, layers.
  private init(
    _ name: String, bytes: (Int, Int, Int, Int), backbone: (Int, Int, Int), mlpHidden: Int? = nil
  ) {
    self.name = name
    (byteWidth, byteHeadSize, encoderLayers, decoderLayers) = bytes
    (width, headSize, layers) = backbone
    self.mlpHidden = mlpHidden
  }

  /// Makes a model one of this size.
  public func apply(to model: inout ModelConfiguration) {
    (model.byteWidth, model.byteHeadSize, model.byteMLPHidden) = (byteWidth, byteHeadSize, nil)
    (model.encoderLayers, model.decoderLayers) = (encoderLayers, decoderLayers)
    (model.width, model.headSize, model.layers) = (width, headSize, layers)
    (model.keyValueHeads, model.mlpHidden) = (nil, mlpHidden)
  }
}

extension ModelSize {
  /// Sizes to choose from, each at 1.3 to 2.5 times the FLOPs per byte of the one before. `tiny`, `small`, `base` and the paper's are
  /// those of the presets; numbers are parameters of the backbone.
  public static let ladder = [
    ModelSize("nano", bytes: (64, 32, 1, 1), backbone: (96, 32, 3)),
    ModelSize("tiny", bytes: (96, 32, 1, 1), backbone: (128, 32, 4), mlpHidden: 288),
    ModelSize("mini", bytes: (96, 32, 1, 1), backbone: (192, 32, 5)),
    ModelSize("midi", bytes: (128, 32, 1, 1), backbone: (256, 32, 5)),
    ModelSize("small", bytes: (192, 32, 1, 1), backbone: (384, 64, 6)),
    ModelSize("19m", bytes: (224, 32, 1, 1), backbone: (512, 64, 6)),
    ModelSize("32m", bytes: (256, 32, 1, 1), backbone: (576, 64, 8)),
    ModelSize("50m", bytes: (256, 32, 2, 2), backbone: (640, 64, 10)),
    ModelSize("base", bytes: (256, 32, 4, 4), backbone: (768, 64, 12)),
    ModelSize("135m", bytes: (320, 32, 4, 4), backbone: (896, 64, 14)),
    ModelSize("240m", bytes: (384, 64, 4, 4), backbone: (1120, 80, 16)),
    ModelSize("420m", bytes: (512, 64, 3, 3), backbone: (1440, 96, 17)),
    ModelSize("700m", bytes: (640, 128, 3, 3), backbone: (1792, 112, 18)),
    ModelSize("paper-1b", bytes: (768, 128, 3, 3), backbone: (2304, 128, 18)),
    ModelSize("2b", bytes: (768, 128, 3, 3), backbone: (2816, 128, 23)),
    ModelSize("paper-3b", bytes: (768, 128, 3, 3), backbone: (3584, 128, 28)),
    ModelSize("6b", bytes: (896, 128, 4, 4), backbone: (4096, 128, 32)),
    ModelSize("paper-7b", bytes: (1024, 128, 4, 4), backbone: (4608, 128, 36)),
  ]
}
