// The door to Open MPI: HAT_MPI=openmpi, or nothing, when hat is built.
#ifndef HAT_CMPI_H
#define HAT_CMPI_H
#if __has_include(<openmpi/mpi.h>)
#include <openmpi/mpi.h>
#else
#include <mpi.h>
#endif
#ifndef OPEN_MPI
#error "This mpi.h is not Open MPI's. HAT_MPI=mpich builds hat with MPICH."
#endif
#include "../handles.h"
#endif
