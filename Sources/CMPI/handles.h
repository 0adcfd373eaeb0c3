// Included after an mpi.h. MPI's constants are macros with casts, which Swift cannot import: each gets an accessor.
#ifndef HAT_MPI_HANDLES_H
#define HAT_MPI_HANDLES_H

// A handle is a pointer in Open MPI and a number in MPICH. Swift passes the value of a structure on, whatever it is.
typedef struct { MPI_Comm value; } hat_mpi_comm;
typedef struct { MPI_Win value; } hat_mpi_win;
typedef struct { MPI_Request value; } hat_mpi_request;

static inline int hat_mpi_longest_version(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }
static inline hat_mpi_comm hat_mpi_comm_world(void) { return (hat_mpi_comm){MPI_COMM_WORLD}; }
static inline int hat_mpi_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }
static inline MPI_Info hat_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Datatype hat_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype hat_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype hat_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Op hat_mpi_sum(void) { return MPI_SUM; }
static inline void *hat_mpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *hat_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Errhandler hat_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline int hat_mpi_no_rank(void) { return MPI_PROC_NULL; }

static inline int hat_mpi_wait_all(int count, hat_mpi_request *requests) {
  _Static_assert(sizeof(hat_mpi_request) == sizeof(MPI_Request), "an array of one is an array of the other");
  return MPI_Waitall(count, (MPI_Request *)requests, MPI_STATUSES_IGNORE);
}
#endif
