// The conformance suite on the ranks of a real mpirun or srun:
//     mpirun -np N CommunicatorConformance BYTES
// where BYTES is the longest single message, so that small buffers go in chunks too. Exit code 0 when all conform.
import DistributedTestSupport
import Foundation
import HATDistributed

let communicator = try MPICommunicator(chunkBytes: Int(CommandLine.arguments[1])!)
var failures = try CommunicatorConformance.failures(of: communicator)
if Launcher.current?.claimedSize != communicator.size { failures.append("size \(communicator.size)") }
for failure in failures { print("rank \(communicator.rank) of \(communicator.size): \(failure)") }
try communicator.finalize()
exit(failures.isEmpty ? 0 : 1)
