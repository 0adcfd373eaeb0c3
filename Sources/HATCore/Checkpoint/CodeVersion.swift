/// The version of this code, as checkpoints and run folders record it.
public enum CodeVersion {
  public static let current = "0.1.0"
}
