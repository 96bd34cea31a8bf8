# The login user's shell is zsh, which has neither bash's options nor its arrays.
usermod --shell /bin/zsh ubuntu
sed -i 's|^    shell: /bin/bash|    shell: /bin/zsh|' /etc/cloud/cloud.cfg.d/99-sandbox.cfg
