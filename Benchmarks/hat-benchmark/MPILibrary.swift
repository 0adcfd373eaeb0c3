import CMPI
import HATDistributed
import HATKernels

/// What the MPI library offers for sums, in an order it chooses. Training uses none of it.
enum MPILibrary {
  /// `sum` becomes the sum of every rank's `part`, both [count].
  static func allReduce(_ part: FloatBuffer, into sum: FloatBuffer) throws {
    try check(
      MPI_Allreduce(part.base, sum.base, Int32(part.count), hat_mpi_float(), hat_mpi_sum(), world.value),
      "MPI_Allreduce")
  }

  /// `slice` becomes this rank's slice of the sum of every rank's `part`.
  static func reduceScatter(_ part: FloatBuffer, _ partition: RankPartition, into slice: FloatPointer) throws
  {
    let counts = partition.ranges.map { Int32($0.count) }
    try check(
      MPI_Reduce_scatter(part.base, slice, counts, hat_mpi_float(), hat_mpi_sum(), world.value),
      "MPI_Reduce_scatter")
  }

  /// Every rank's slice of `buffer` on every rank.
  static func allGather(_ buffer: FloatBuffer, _ partition: RankPartition) throws {
    let counts = partition.ranges.map { Int32($0.count) }
    let offsets = partition.ranges.map { Int32($0.lowerBound) }
    try check(
      MPI_Allgatherv(
        hat_mpi_in_place(), 0, hat_mpi_float(), buffer.base, counts, offsets, hat_mpi_float(), world.value),
      "MPI_Allgatherv")
  }

  private static var world: hat_mpi_comm { hat_mpi_comm_world() }

  private static func check(_ status: Int32, _ call: String) throws {
    guard status == MPI_SUCCESS else { throw CommunicationFailure("\(call) failed with status \(status)") }
  }
}
