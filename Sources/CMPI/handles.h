// MPI's constants are macros with casts, which Swift cannot import: each gets an accessor.
#ifndef HAT_CMPI_H
#define HAT_CMPI_H
#include <openmpi/mpi.h>

#ifdef OPEN_MPI
static inline int hat_mpi_is_open_mpi(void) { return 1; }
#else
static inline int hat_mpi_is_open_mpi(void) { return 0; }
#endif
static inline int hat_mpi_longest_version(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }
static inline MPI_Comm hat_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline int hat_mpi_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }
static inline MPI_Info hat_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Datatype hat_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype hat_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype hat_mpi_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype hat_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Op hat_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op hat_mpi_max(void) { return MPI_MAX; }
static inline void *hat_mpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *hat_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Status *hat_mpi_statuses_ignore(void) { return MPI_STATUSES_IGNORE; }
static inline MPI_Errhandler hat_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline int hat_mpi_no_rank(void) { return MPI_PROC_NULL; }
#endif
