/// Floats somebody else owns; how many, and their shape, the function that takes them says.
public typealias FloatPointer = UnsafeMutablePointer<Float>
