import CMPI
import HATKernels

/// What the MPI library offers for sums, in an order it chooses: `benchmark collectives` compares with it, training uses
/// none of it.
extension MPICommunicator {
  /// `sum` becomes the sum of every rank's `part`, both [count].
  func libraryAllReduce(_ part: UnsafePointer<Float>, into sum: FloatPointer, count: Int) throws {
    try MPICall.check(
      MPI_Allreduce(part, sum, Int32(count), hat_mpi_float(), hat_mpi_sum(), world), "MPI_Allreduce")
  }

  /// `slice` becomes this rank's slice of the sum of every rank's `part`.
  func libraryReduceScatter(
    _ part: UnsafePointer<Float>, _ partition: RankPartition, into slice: FloatPointer
  ) throws {
    let counts = partition.ranges.map { Int32($0.count) }
    try MPICall.check(
      MPI_Reduce_scatter(part, slice, counts, hat_mpi_float(), hat_mpi_sum(), world), "MPI_Reduce_scatter")
  }

  /// Every rank's slice of `buffer` on every rank.
  func libraryAllGather(_ buffer: FloatPointer, _ partition: RankPartition) throws {
    let counts = partition.ranges.map { Int32($0.count) }
    let offsets = partition.ranges.map { Int32($0.lowerBound) }
    try MPICall.check(
      MPI_Allgatherv(
        hat_mpi_in_place(), 0, hat_mpi_float(), buffer, counts, offsets, hat_mpi_float(), world),
      "MPI_Allgatherv")
  }

  /// The largest of every rank's value.
  func libraryMaximum(_ value: Double) throws -> Double {
    var (own, largest) = (value, 0.0)
    try MPICall.check(
      MPI_Allreduce(&own, &largest, 1, hat_mpi_double(), hat_mpi_max(), world), "MPI_Allreduce")
    return largest
  }
}
