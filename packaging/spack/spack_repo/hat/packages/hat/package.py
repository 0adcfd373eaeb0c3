import os

from spack.package import *

try:
    from spack_repo.builtin.build_systems.generic import Package
except ImportError:
    pass  # Before Spack 1.0, spack.package has it.


class Hat(Package):
    """Trainer of language models without a tokenizer, on processors, with MPI."""

    homepage = "https://arxiv.org/abs/2501.10322"
    # Spack has no Swift toolchain: this installs what scripts/make-archive has made, from the folder that Spack is called in.
    url = f"file://{os.getcwd()}/hat-0.1.0-linux-x86_64.tar.gz"
    manual_download = True

    license("Apache-2.0")

    # Each site makes the archive itself: `spack install --no-checksum hat`.
    version("0.1.0")

    # libmpi.so.40, which the program is linked with.
    depends_on("openmpi@4:5", type=("build", "link", "run"))
    depends_on("patchelf", type="build")

    requires("platform=linux", msg="hat runs on Linux")
    requires("target=x86_64_v3:", msg="hat needs AVX2 and FMA")

    sanity_check_is_file = ["bin/hat-mpirun", "share/man/man1/hat-mpirun.1"]

    def install(self, spec, prefix):
        install_tree(".", prefix)
        # `spack load` sets no LD_LIBRARY_PATH: the program has to know where this MPI is.
        libraries = ":".join(["$ORIGIN/../lib", *spec["openmpi"].libs.directories])
        which("patchelf", required=True)(
            "--set-rpath", libraries, join_path(prefix.bin, "hat-mpirun")
        )

    def setup_run_environment(self, env):
        env.set("HAT_ROOT", self.prefix)

    def test_version(self):
        """The program finds its libraries, and MPI."""
        program = which(join_path(self.prefix.bin, "hat-mpirun"), required=True)
        assert f"hat {self.spec.version}" in program(
            "--version", output=str.split, error=str.split
        )
