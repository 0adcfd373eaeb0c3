// The door to MPICH, and what shares its ABI, such as Intel MPI: HAT_MPI=mpich when hat is built.
#ifndef HAT_CMPI_H
#define HAT_CMPI_H
#if __has_include(<mpich/mpi.h>)
#include <mpich/mpi.h>
#else
#include <mpi.h>
#endif
#ifndef MPICH_NUMVERSION
#ifndef I_MPI_NUMVERSION
#error "This mpi.h is not MPICH's. HAT_MPI=openmpi builds hat with Open MPI."
#endif
#endif
#include "../handles.h"
#endif
