// Debian's mpi.h of MPICH asks for this file where only its own folder is searched.
#if __has_include(<mpich/mpi_proto.h>)
#include <mpich/mpi_proto.h>
#else
#include_next <mpi_proto.h>
#endif
